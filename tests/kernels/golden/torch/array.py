import torch


def activation(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    return c[0] + c[1] * x
