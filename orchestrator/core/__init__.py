"""The vocabulary: values that every other layer speaks, with no behaviour at the rim."""
