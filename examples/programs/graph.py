"""The graph is what ran: two operations, and the gradients that backward finds behind them."""

import numpy as np

from chainette import Variable

a = Variable(np.array(2.0), name="a")
b = Variable(np.array(3.0), name="b")

c = b * a
d = c + 1
d.backward()

print(f"d = b a + 1 = {d.item()}")
print(f"dd/da = b = {a.grad}")
print(f"dd/db = a = {b.grad}")
