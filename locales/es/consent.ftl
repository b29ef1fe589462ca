consent-title = ¿{ $vendor } puede saber esto de ti?
consent-title-device = ¿Conectar un dispositivo a { $vendor }?
consent-told = { $vendor } va a saber
consent-pseudonym = que lees con { $library }, con un nombre inventado que solo { $vendor } ve
consent-band-juvenile = que eliges de los estantes infantiles
consent-band-young-adult = que eliges de los estantes juveniles
consent-band-adult = que eliges de todos los estantes
consent-type-student = que eres estudiante
consent-type-staff = que trabajas en una escuela
consent-privileges = que tu tarjeta sirve para:
consent-card = tu número de tarjeta, { $number }.
consent-card-purpose = Para qué: { $purpose }
consent-profile = tu nombre y lo que dice tu perfil de trabajo
consent-email = tu correo de trabajo
consent-phone = tu teléfono de trabajo
consent-address = tu dirección de trabajo
consent-not-told = No va a saber
consent-not-personal = tu nombre, correo, teléfono ni dirección
consent-not-profile = tu nombre
consent-not-email = tu correo
consent-not-phone = tu teléfono
consent-not-address = tu dirección
consent-not-card = tu número de tarjeta
consent-not-school = en qué escuela estudias o trabajas
consent-not-pin = tu PIN
consent-stays =
    { $days ->
        [one] Puede dejarte conectado un día, también después de que salgas de aquí.
       *[other] Puede dejarte conectado { $days } días, también después de que salgas de aquí.
    }
consent-allow = Sí, seguir
consent-allow-device = Sí, conectarlo
consent-deny = No
consent-device-code = El dispositivo muestra este código
consent-device-warning = Di que sí solo si este dispositivo está delante de ti y muestra este código.
consent-device-phishing = ¿Alguien te mandó el código o un enlace? Entonces di que no: quiere leer con tu tarjeta.
