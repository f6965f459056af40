"""Runs under `python -I` with actsearch blocked, on an exported file; prints outputs and gradients as JSON."""

import copy
import importlib.util
import io
import json
import pathlib
import pickle
import sys


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "actsearch":
            raise ImportError("actsearch is blocked here")


sys.meta_path.insert(0, Blocked())

import torch  # noqa: E402
from torch import nn  # noqa: E402


def load(path):
    spec = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where pickle and torch.compile look for it
    spec.loader.exec_module(module)
    return module


def values(make, x):
    layer = make()
    x = x.clone().requires_grad_()
    y = layer(x)
    gradients = torch.autograd.grad((y * y).sum(), [x, *layer.parameters()], allow_unused=True, materialize_grads=True)
    return {
        "y": y.tolist(),
        "dx": gradients[0].tolist(),
        **{f"d_{name}": g.tolist() for (name, _), g in zip(layer.named_parameters(), gradients[1:], strict=True)},
    }


def trained(make):
    """Whether a network with the layer learns, and is the same after every way of keeping it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 3), make(), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    x = torch.randn(64, 3)
    target = x[:, :1] ** 2
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    buffer = io.BytesIO()
    torch.save(network, buffer)
    buffer.seek(0)
    fresh = nn.Sequential(nn.Linear(3, 3), make(), nn.Linear(3, 1))
    fresh.load_state_dict(network.state_dict())
    copies = {
        "deepcopy": copy.deepcopy(network),
        "pickle": pickle.loads(pickle.dumps(network)),
        "saved whole": torch.load(buffer, weights_only=False),
        "state": fresh,
        "scripted": torch.jit.script(network),
        "traced": torch.jit.trace(network, x),
        "compiled": torch.compile(network, backend="eager"),
    }
    same = {name: bool(torch.allclose(other(x), network(x), atol=1e-6)) for name, other in copies.items()}
    return {"learns": losses[-1] < 0.7 * losses[0], **same}


def main():
    request = json.loads(sys.stdin.read())
    answers = []
    for item in request:
        module = load(item["path"])
        public = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, nn.Module)]
        layer = getattr(module, item["class_name"])
        x = torch.tensor(item["x"], dtype=torch.float64)

        def make(layer=layer, item=item):
            return layer(**item["arguments"])

        answer = {"modules": public, "all": module.__all__, "values": values(lambda: make().double(), x)}
        answer["inplace"] = torch.equal(layer(inplace=True)(x), layer()(x))
        answer["half"] = [str(make()(x.to(dtype)).dtype) for dtype in (torch.float16, torch.bfloat16)]
        answer["gradgrad"] = torch.autograd.gradgradcheck(make().double(), (x.clone().requires_grad_(),))
        if item["train"]:
            answer["kept"] = trained(make)
        answers.append(answer)
    json.dump(answers, sys.stdout)


main()
