<?php
// One reader, with the attributes that oneaccess tells every vendor, under the same names.
$issuer = getenv('PEER_URL');
$config = [
    'readers' => [
        'exampleauth:UserPass',
        'peer-reader:2468' => [
            'uid' => ['peer-reader'],
            'urn:oid:1.3.6.1.4.1.5923.1.1.1.7' => ["$issuer/entitlements/library.databases"],
            'urn:oid:1.3.6.1.4.1.5923.1.1.1.9' => ['student@library.example', 'member@library.example'],
            "$issuer/attributes/audience_band" => ['young-adult'],
        ],
    ],
];
