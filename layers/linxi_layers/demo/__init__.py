"""The demonstration county: invented layers on a public outline. 示意数据，无法律效力."""
