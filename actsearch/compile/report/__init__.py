"""What compiled kernels cost, counted from their machine code: no device, no clock."""
