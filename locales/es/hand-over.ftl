hand-over-title = Un paso más
hand-over-lead = Ya has entrado. La página siguiente se abre sola; si no se abre, sigue aquí.
hand-over-continue = Seguir
