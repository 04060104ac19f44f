"""Import: readers turn a delivery into records, staging takes them by COPY, the merge upserts them."""
