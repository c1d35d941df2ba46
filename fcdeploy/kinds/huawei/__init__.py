"""Kinds of Huawei Cloud FunctionGraph."""
