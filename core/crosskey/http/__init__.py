"""TODO http"""
