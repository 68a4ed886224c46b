"""The output: values in, terminal summary, JSON, workbook and page out. Computes nothing."""
