import torch


def activation(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.gelu(x)
