"""The serving benchmark: the same six works put to six servers over one catalog, in turn."""
