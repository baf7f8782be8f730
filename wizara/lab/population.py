"""stub"""
def start(*a): return []
