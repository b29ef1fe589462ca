# A library card that a patron had before.
library-card-title = Una tarjeta de la biblioteca que ya tienes
library-card-lead = ¿Ya tenías una tarjeta de la biblioteca? Puedes usar las dos.
library-card-linked = Tu tarjeta de la biblioteca { $number } está unida.
library-card-either = Puedes entrar con cualquiera de los dos números.
library-card-one-pin = El PIN es siempre el de tu tarjeta de estudiante.
library-card-told-library = Tu tarjeta de la biblioteca es el número de la página de tu tarjeta.
library-card-told-student = El número de la página de tu tarjeta sigue siendo { $number }.
library-card-told-student-plain = El número de la página de tu tarjeta no cambia.
library-card-card = Número de tu tarjeta de la biblioteca
library-card-card-hint = Está debajo de las barras de la tarjeta.
library-card-pin = PIN de tu tarjeta de la biblioteca
library-card-pin-hint = Preguntamos a la biblioteca si es correcto. No lo guardamos.
library-card-submit = Unir esta tarjeta
library-card-undo-lead = Puedes deshacerlo cuando quieras. Entonces solo entras con tu tarjeta de estudiante.
library-card-undo = Separar la tarjeta
library-card-ask-staff = Lleva las dos tarjetas a la biblioteca. Allí las pueden unir.
library-card-back = Volver a mi tarjeta
library-card-missing-card = Escribe el número de tu tarjeta de la biblioteca.
library-card-missing-pin = Escribe el PIN de tu tarjeta de la biblioteca.
# Why a card was not linked.
library-card-unproven = La biblioteca dice que este número y este PIN no van juntos. Revisa los dos y prueba otra vez.
library-card-lost = En la biblioteca esta tarjeta figura como perdida. Pregunta en la biblioteca.
library-card-taken = Este número ya es de la tarjeta de alguien aquí. Pregunta en la biblioteca.
library-card-no-number = Eso no es un número de tarjeta. Revísalo y prueba otra vez.
ils-not-configured = Aquí no podemos comprobar tarjetas de la biblioteca. Lleva las dos tarjetas a la biblioteca.
ils-away = La computadora de la biblioteca no responde ahora. No cambió nada. Prueba más tarde.
