"""Options of the tests of kernels."""


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write the golden kernels anew instead of comparing")
