# On the way to a vendor that takes readers by a link.
link-title = De camino a { $vendor }
link-lead = Has iniciado sesión. La página siguiente se abre sola; si no, continúa aquí.
link-continue = Ir a { $vendor }
link-card-lead = { $vendor } te pide el número de tu tarjeta. Es este; escríbelo allí.
link-host = Vas a { $host }.
