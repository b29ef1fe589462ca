launchpad-title = Mi biblioteca
launchpad-lead = Elige uno y empieza. Ya entraste.
launchpad-books = Libros
launchpad-databases = Para investigar
launchpad-help = Ayuda con la tarea
launchpad-search = Buscar en mi biblioteca
launchpad-search-submit = Buscar
launchpad-found =
    { $count ->
        [0] Aquí nada se llama “{ $query }”.
        [one] Una cosa coincide con “{ $query }”.
       *[other] { $count } cosas coinciden con “{ $query }”.
    }
launchpad-show-all = Ver todo
launchpad-empty-title = Tu estante está vacío por ahora
launchpad-empty = Todavía no hay nada listo para tu tarjeta. Pregunta en la biblioteca: ahí pueden ver por qué.
launchpad-missing-link = ¿Por qué falta algo?
missing-title = ¿Por qué falta algo?
missing-lead = Estos no están en tu estante. Aquí te decimos por qué.
missing-none = No falta nada. Todo lo que tiene la biblioteca está en tu estante.
missing-not-listed = ¿Buscas otra cosa? Tal vez la biblioteca todavía no la tiene. Cuéntales que te gustaría.
missing-back = Volver a mi biblioteca
