def hours():
    return "Monday to Friday, nine to five"
