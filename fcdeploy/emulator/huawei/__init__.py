"""FunctionGraph v2 of Huawei Cloud, from its documents, its SDK and the clients that work with it."""
