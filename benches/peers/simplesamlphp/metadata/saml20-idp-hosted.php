<?php
// A lasting pseudonym of its own for each service provider, as NameID and as eduPersonTargetedID.
$metadata['__DYNAMIC:1__'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'auth' => 'readers',
    'authproc' => [
        1 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
        2 => ['class' => 'saml:PersistentNameID2TargetedID', 'attribute' => 'urn:oid:1.3.6.1.4.1.5923.1.1.1.10'],
        3 => ['class' => 'core:AttributeLimit', 'urn:oid:1.3.6.1.4.1.5923.1.1.1.7', 'urn:oid:1.3.6.1.4.1.5923.1.1.1.9',
            'urn:oid:1.3.6.1.4.1.5923.1.1.1.10', getenv('PEER_URL') . '/attributes/audience_band'],
    ],
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'attributeencodings' => ['urn:oid:1.3.6.1.4.1.5923.1.1.1.10' => 'raw'],
];
