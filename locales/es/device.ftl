device-title = Conectar un dispositivo
device-lead = Tu lector o el quiosco muestra un código. Escríbelo aquí y luego entra con tu tarjeta.
device-code = Código en el dispositivo
device-code-hint = Ocho letras, como BCDF-GHJK. También sirven las minúsculas.
device-submit = Seguir
device-warning-title = Solo para un dispositivo delante de ti
device-warning = Nunca escribas un código que alguien te mandó o te leyó. Quien lo manda quiere leer con tu tarjeta.
device-unknown = No conocemos ese código.
device-unknown-now = Quizá una letra está mal, o el código esperó más de diez minutos. Mira otra vez el dispositivo o pídele un código nuevo.
device-too-many-now =
    { $minutes ->
        [one] Espera un minuto y escribe el código otra vez.
       *[other] Espera { $minutes } minutos y pídele al dispositivo un código nuevo.
    }
device-connected-title = Todo listo
device-connected = Vuelve a tu dispositivo. En unos segundos sigue solo.
device-shared = ¿Esta computadora no es tuya? Sal aquí cuando termines. Un quiosco se cierra también.
device-sign-out = Salir aquí
device-declined-title = El dispositivo no se conectó
device-declined = No recibe nada de tu tarjeta y lo dirá en unos segundos.
device-declined-now = ¿Alguien te mandó ese código? Cuéntalo en tu clase o en la biblioteca.
