# What a vendor's screen may show when SIP2 answers no, beside the reasons.
sip2-pin-needed = La tarjeta sola no abre nada aquí. Escribe también el PIN.
sip2-no-loans = Los préstamos los hace el sistema de la biblioteca. Aquí solo se comprueban tarjetas.
sip2-not-now = La biblioteca no puede comprobar tarjetas ahora. Inténtalo de nuevo en un minuto.
