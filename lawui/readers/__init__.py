"""Who uses a lab and what each of them keeps: own questions, marks, visits, a class."""
