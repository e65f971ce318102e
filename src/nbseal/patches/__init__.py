"""Where the trusted side relies on private names of other libraries; each patch says what it buys."""
