"""TODO mapping"""
