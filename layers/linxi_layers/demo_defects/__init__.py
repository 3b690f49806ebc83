"""The demonstration county with one planted defect of each kind. 示意数据，无法律效力."""
