/* Comfort only: a hand scanner types into the field, and everything works without this file. */
(function () {
  var field = document.getElementById("badge-code");
  if (!field) return;
  /* The code on a badge is an address of this page with the secret behind the #, which browsers never send. It is put
     into the field and taken out of the address. It is not sent off: a link must not sign anybody in as somebody else. */
  function take(text) {
    field.value = text;
    document.getElementById("badge-hint").hidden = true;
    document.getElementById("badge-read").hidden = false;
    /* Nobody need see what opens the shelf. */
    field.parentNode.hidden = true;
    document.getElementById("badge-submit").focus();
  }
  if (location.hash.length > 20) {
    var secret = location.hash.slice(1);
    history.replaceState(null, "", location.pathname + location.search);
    take(secret);
  }
  var camera = document.getElementById("badge-camera");
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  camera.hidden = false;
  document.getElementById("badge-look").addEventListener("click", function () {
    var view = document.getElementById("badge-view");
    var detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } }).then(function (stream) {
      function stop() {
        stream.getTracks().forEach(function (track) { track.stop(); });
        view.hidden = true;
      }
      view.srcObject = stream;
      view.hidden = false;
      view.play();
      (function look() {
        if (view.hidden) return;
        detector.detect(view).then(function (found) {
          if (found.length === 0) { setTimeout(look, 150); return; }
          stop();
          take(found[0].rawValue);
          /* Held into the camera by hand, unlike a link. */
          document.getElementById("badge").submit();
        }, function () { setTimeout(look, 300); });
      })();
    }, function () { field.focus(); });
  });
})();
