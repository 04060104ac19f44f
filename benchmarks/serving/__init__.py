"""The serving benchmark: six servers run the same six workloads over one catalog, in turn."""
