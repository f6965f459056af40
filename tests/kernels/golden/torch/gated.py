import torch


def activation(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return gate * torch.nn.functional.silu(x)
