refusal-title-vendor = { $vendor } no está abierto para ti ahora
refusal-title = Tu tarjeta no se puede usar ahora
refusal-why = Por qué
refusal-now = Qué puedes hacer
refusal-code = Si pides ayuda, muestra este código:
refusal-return = Volver a { $vendor }
refusal-launchpad = Ver lo que puedo usar
refusal-sign-in = Entrar con otra tarjeta

# Un par para cada razón: por qué, y ahora qué.
reason-sign-in-failed = Ese número y ese PIN no van juntos.
reason-sign-in-failed-now = Revisa los dos y prueba otra vez. ¿Sigue sin funcionar? Pregunta en tu clase o en la biblioteca.
reason-too-many-tries = Hubo demasiados intentos.
reason-too-many-tries-now =
    { $minutes ->
        [0] Espera un momento y prueba otra vez. Si olvidaste tu PIN, en la biblioteca te ayudan.
        [one] Espera un minuto y prueba otra vez. Si olvidaste tu PIN, en la biblioteca te ayudan.
       *[other] Espera { $minutes } minutos y prueba otra vez. Si olvidaste tu PIN, en la biblioteca te ayudan.
    }
reason-pin-must-change = Tu PIN todavía es tu primer PIN. Aquí no sirve hasta que lo cambies.
reason-pin-must-change-now = Entra en la página de la biblioteca y elige un PIN nuevo. Luego vuelve.
reason-no-pin = Tu tarjeta todavía no tiene PIN.
reason-no-pin-now = Pide en la biblioteca o en tu escuela que te pongan un PIN.
reason-directory-disabled = Tu escuela apagó esta cuenta.
reason-directory-disabled-now = Pregunta en la mesa de ayuda de tu escuela. Si tienes un PIN, puedes usarlo aquí.
reason-directory-expired = El último día de esta cuenta de la escuela ya pasó.
reason-directory-expired-now = Pregunta en la mesa de ayuda de tu escuela. Si tienes un PIN, puedes usarlo aquí.
reason-directory-password-change = Tu escuela quiere que primero cambies esta contraseña.
reason-directory-password-change-now = Cámbiala donde siempre, por ejemplo en una computadora de la escuela. Luego vuelve.
reason-directory-away = Esa no es una tarjeta con su PIN, y ahora no podemos preguntar a tu escuela por contraseñas.
reason-directory-away-now = Con PIN: revisa los dos y prueba otra vez. Con contraseña de la escuela: prueba en unos minutos.
reason-card-blocked = La biblioteca puso esta tarjeta en pausa.
reason-card-blocked-now = Pregunta en la biblioteca. Ahí te dicen por qué y la pueden abrir otra vez.
reason-withdrawn = Ya no estás en la lista de tu escuela, así que esta tarjeta está dormida.
reason-withdrawn-now = ¿Sigues en esta escuela? Pide en la oficina que revisen su lista. ¿Estás en otra escuela? Pide ahí tu tarjeta.
reason-opted-out = Tu familia le pidió a la biblioteca que esta tarjeta esté apagada.
reason-opted-out-now = Si tu familia cambió de idea, tu mamá, tu papá o quien te cuida puede avisar a tu escuela.
reason-no-agreement = Tu escuela y la biblioteca todavía no comparten una tarjeta.
reason-no-agreement-now = Igual puedes tener tu propia tarjeta gratis. Pregunta en cualquier biblioteca.
reason-agreement-ended = El acuerdo entre tu escuela y la biblioteca se terminó.
reason-agreement-ended-now = Pregunta en tu clase o en la biblioteca qué sigue. También puedes tener tu propia tarjeta gratis.
reason-agreement-not-begun = Las tarjetas de biblioteca de tu escuela todavía no empiezan.
reason-agreement-not-begun-now = Pregunta en tu clase o en la biblioteca cuándo empiezan, y vuelve entonces.
reason-role-not-covered = Las tarjetas de biblioteca de tu escuela no son para tu trabajo ahí.
reason-role-not-covered-now = Puedes tener tu propia tarjeta gratis. Pregunta en cualquier biblioteca.
reason-grade-not-covered = Las tarjetas de biblioteca de tu escuela son para otros grados.
reason-grade-not-covered-now = Puedes tener tu propia tarjeta gratis. Pregunta en cualquier biblioteca.
reason-audience-mismatch = Este sitio es para lectores de otra edad.
reason-audience-mismatch-now = Elige algo de tu propio estante. En la biblioteca te ayudan a encontrar algo bueno.
reason-nothing-granted = Tu tarjeta no abre este sitio.
reason-nothing-granted-now = Abre otros: mira tu propio estante. Si necesitas este, pregunta en la biblioteca.
reason-vendor-disabled = La biblioteca cerró este sitio por ahora.
reason-vendor-disabled-now = Prueba otro día o elige otra cosa de tu estante.
reason-declined = Dijiste que no, así que no se compartió nada.
reason-declined-now = Está bien. Puedes elegir otra cosa o empezar de nuevo.
reason-expired = Esa página esperó demasiado o ya se usó.
reason-expired-now = Empieza otra vez desde el sitio que quieres abrir.
reason-badge-void = Este gafete no funciona.
reason-badge-void-now = Pide uno nuevo a tu maestra o maestro. También puedes entrar con tu PIN.
reason-badge-not-here = Los gafetes funcionan en la escuela y en horas de escuela.
reason-badge-not-here-now = En casa, entra con tu número de estudiante y tu PIN. Un adulto puede ayudarte.
reason-pictures-wrong = Esos no son tus dibujos.
reason-pictures-wrong-now = Piénsalo otra vez y elige tus tres dibujos en orden.
reason-pictures-locked = Hubo demasiados intentos y tu gafete está descansando.
reason-pictures-locked-now = Avisa a tu maestra o maestro. Te puede dar dibujos nuevos.
reason-pin-needed = Tu gafete no abre esto.
reason-pin-needed-now = Entra con tu número de estudiante y tu PIN para verlo.
