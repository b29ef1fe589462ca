# Lo que rodea cada página.
skip = Saltar a la página
nav-label = Tu biblioteca
nav-library = Mi biblioteca
nav-card = Mi tarjeta
signed-in-as = Entraste como { $badge }
not-you = ¿No eres tú?
done = Salir
language-label = Idioma
footer-privacy = La biblioteca nunca le cuenta a tu escuela lo que lees.
problem-title = Arreglemos una cosa
error-in-title = Problema: { $title }
date-long =
    { $day } de { $month ->
        [1] enero
        [2] febrero
        [3] marzo
        [4] abril
        [5] mayo
        [6] junio
        [7] julio
        [8] agosto
        [9] septiembre
        [10] octubre
        [11] noviembre
       *[12] diciembre
    } de { $year }
