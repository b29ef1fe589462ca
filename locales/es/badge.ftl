badge-title = Muestra tu gafete
badge-lead = Escanea el cuadrado de tu gafete. El lector lo escribe aquí solo.
badge-read = Tu gafete está leído. ¡Pulsa Listo!
badge-camera = Escanear con la cámara
badge-code = Tu gafete
badge-submit = Listo
badge-pin-instead = Entrar con tu PIN
badge-way = Tengo un gafete
badge-not-a-badge = Eso no era el cuadrado de un gafete.
badge-not-a-badge-now = Deja quieto el gafete e inténtalo otra vez. ¿No funciona? Pregunta a tu maestra o maestro.
pictures-title = Elige tus dibujos
pictures-lead =
    { $place ->
        [1] ¿Cuál es tu primer dibujo?
        [2] ¿Qué dibujo sigue?
       *[3] ¿Y el último?
    }
pictures-picked = Lo que elegiste
pictures-open = Falta elegir
pictures-again = Empezar otra vez
picture-sun = Sol
picture-moon = Luna
picture-star = Estrella
picture-tree = Árbol
picture-fish = Pez
picture-bird = Pájaro
picture-boat = Barco
picture-house = Casa
picture-flower = Flor
picture-apple = Manzana
picture-kite = Cometa
picture-key = Llave

# Hojas impresas
sheet-title = Gafetes de { $organisation }, { $year }
sheet-note = Imprime esta página al 100 %, corta por las líneas y borra el archivo: quien lo tenga puede usar todos estos gafetes. Los que se imprimieron antes para los mismos niños ya no funcionan.
list-title = Dibujos de { $organisation }, { $year }
list-note = Para quien enseña. Guárdala donde ningún niño la vea.
list-child = Gafete
list-first = Primero
list-second = Segundo
list-third = Tercero
