"""Where the worker relies on private names of IPython, ipykernel, stack_data and others; each says what it buys."""
