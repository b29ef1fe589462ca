document.getElementById("hand-over").submit();
