var form = document.getElementById("hand-over");
if (form) form.submit();
else document.getElementById("continue").click();
