"""The records that the directory keeps, and the filters and values that its methods take, by domain."""
