"""Search where proof is out of reach: an estate as dense arrays, kernels that move over them, and the engines."""
