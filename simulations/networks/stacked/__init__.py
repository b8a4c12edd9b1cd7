"""Many networks as one computation for a GPU: columns and batched products, captured as a graph.

A convolution is a copy of its input into columns and one batched product over all networks, in
place of grouped convolutions, for which GPUs have no fast kernels. All shapes are static and no
value is looked at, so that a whole step is captured in a CUDA graph (`capture`) and an epoch is
replays of it without a wait; elsewhere the same step runs operator by operator.

**Shapes.** Images and maps are (n_networks, n, height, width, channels), vectors (n_networks, n,
features). Kernels are (n_networks, channels out, height, width, channels in), matrices of linear
maps (n_networks, features in, features out): what the products take as they are (`state.packed`).

**Memory.** A step keeps the columns, maps and positions of maxima until their gradient is known:
at a batch of 64 in float32, at its peak, 30 MB a network of CNN2C, 33 MB of CNN2C-500 and 321 MB of
CNN5C. It is given back with the epoch.
"""
