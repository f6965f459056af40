import torch


def activation(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(x - torch.amax(x, -1, keepdim=True))
