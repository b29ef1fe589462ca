error-title = Algo salió mal aquí
