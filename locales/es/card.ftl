card-title = Mi tarjeta
card-lead = Muéstrala en cualquier biblioteca o escanéala tú.
card-kind = Tarjeta de la biblioteca
card-number = Número de tarjeta
card-barcode = Código de barras de la tarjeta { $number }
card-qr = Código QR de la tarjeta { $number }
card-valid = Sirve hasta el { $date }
card-valid-open = Sirve mientras estés en tu escuela
card-good-for = Para qué sirve tu tarjeta
card-loans = { $number ->
    [one] Puedes llevarte una cosa a la vez.
   *[other] Puedes llevarte { $number } cosas a la vez.
}
card-no-fines = Sin multas por retraso.
card-good-for-nothing = Tu tarjeta no abre nada por ahora. Pregunta en la biblioteca: ahí pueden ver por qué.
card-print-title = Llévala contigo
card-print = Imprime esta página desde el menú del navegador. La tarjeta sale en su tamaño real: recorta por la línea.
card-name = Nombre
card-change-pin = Cambiar mi PIN
scope-library-ebooks = Libros electrónicos y audiolibros
scope-library-databases = Bases de datos y enciclopedias
scope-library-learning = Ayuda para aprender y con la tarea
scope-library-checkout = Libros para llevar a casa
scope-library-hotspot = Puntos de internet para llevar a casa
card-link-library-card = Unir una tarjeta de la biblioteca que ya tienes
card-other-number = También puedes entrar con el número { $number }.
