"""The words of the generated catalog: names, titles, subtitles, sentences and the category tree.

Each list is one string: names are separated by spaces, phrases by bars.
"""

# A series is a name of an author and one of these.
SERIES_FORMS = "Mysteries|Chronicles|Stories|Trilogy|Cycle|Letters|Files"

# A publisher is a family name and one of these.
PUBLISHER_FORMS = "Press|Books|Editions|House|& Sons"

# 23 given and 24 family names per culture. The lengths are coprime, so iterating over both lists at once
# yields every pair (see `seed._names`).
GIVEN_NAMES = (
    (
        "Alice Arthur Beatrice Charles Clara Daniel Edith Edward Eleanor Frank George Grace Harriet "
        "Henry Isabel James Laura Margaret Owen Philip Ruth Thomas Walter"
    ),
    (
        "Anna August Bruno Charlotte Dieter Elisabeth Emil Franziska Friedrich Gisela Heinrich Hilde "
        "Jürgen Karl Katharina Lotte Ludwig Matthias Max Paula Rosa Stefan Ursula"
    ),
    (
        "Adèle Antoine Brigitte Camille Cécile Denis Élise Étienne François Geneviève Hélène Hugo "
        "Jules Léon Louise Lucien Madeleine Marcel Noémie Odile Pascal René Sylvie"
    ),
    (
        "Alejandro Alma Beatriz Carlos Carmen Diego Elena Esteban Felipe Gabriela Ignacio Inés "
        "Joaquín Julia Lucía Luis Manuel Marina Pilar Rafael Raúl Sofía Teresa"
    ),
    (
        "Alessandra Antonio Bianca Carlo Chiara Dario Elsa Enzo Fabio Franca Giacomo Ginevra Ilaria "
        "Lorenzo Luca Marta Matteo Nina Paolo Renata Sandro Silvia Vittorio"
    ),
    (
        "Alexei Anastasia Andrei Boris Darya Dmitri Ekaterina Evgeny Galina Grigory Irina Ivan Larisa "
        "Leonid Maxim Nadezhda Nikolai Olga Pavel Sergei Svetlana Vera Yuri"
    ),
    (
        "Akiko Daisuke Emi Fumiko Hana Haruki Hiroshi Izumi Jun Kaoru Keiko Kenji Masao Michiko Naoko "
        "Ryo Sachiko Satoshi Shigeru Takeshi Tomoko Yoko Yukio"
    ),
    (
        "Aditi Amit Anjali Arun Chidi Deepa Farid Ifeoma Kavita Kofi Layla Meera Nadia Ngozi Omar "
        "Priya Rahul Ravi Samira Tariq Uma Vikram Yasmin"
    ),
)
FAMILY_NAMES = (
    (
        "Ashworth Bellamy Blackwood Calloway Carver Dunmore Ellison Fairfax Garrick Hale Harcourt "
        "Kingsley Lockhart Marlow Merriman Norwood Pembroke Prescott Radcliffe Sinclair Thorne "
        "Vaughan Whitlock Yardley"
    ),
    (
        "Albrecht Baumann Brandt Dietrich Engel Falk Gerber Hartmann Hoffmann Jäger Keller Krüger "
        "Lindner Maurer Neumann Ostermann Pfeiffer Reinhardt Sauer Schröder Steiner Vogel Weiß "
        "Zimmermann"
    ),
    (
        "Arnaud Beaumont Bertin Chevalier Delacroix Dubois Fontaine Garnier Girard Lacroix Lambert "
        "Laurent Lefèvre Marchand Mercier Moreau Perrin Renaud Rousselet Sabatier Tessier Vasseur "
        "Verdier Vidal"
    ),
    (
        "Aguilar Benítez Cabrera Castillo Delgado Domínguez Escobar Fuentes Gallardo Herrera Ibáñez "
        "Lozano Medina Montero Navarro Ortega Peralta Quiroga Rivas Salazar Serrano Valdés Vega Zamora"
    ),
    (
        "Amato Barbieri Bellini Caruso Conti Donati Esposito Farina Ferrara Galli Greco Leone "
        "Lombardi Marchetti Moretti Neri Orsini Pellegrini Rinaldi Romano Santoro Serra Valenti Vitale"
    ),
    (
        "Abramov Belov Chernov Danilov Egorov Fedorov Golubev Ignatov Karpov Kuznetsov Lebedev "
        "Makarov Morozov Nikitin Orlov Petrov Romanov Smirnov Sokolov Tarasov Ushakov Vasiliev Volkov "
        "Zaitsev"
    ),
    (
        "Abe Endo Fujita Hayashi Ikeda Inoue Ishikawa Kato Kimura Kobayashi Matsuda Mori Nakamura "
        "Nishida Ogawa Okada Saito Sakamoto Shimizu Suzuki Takahashi Tanaka Watanabe Yamada"
    ),
    (
        "Achebe Adeyemi Bannerjee Chowdhury Darwish Desai Farouk Ghosh Haddad Iyer Joshi Kapoor "
        "Khoury Mahfoud Mensah Nair Okafor Okonkwo Patel Rahman Rao Sharma Singh Tagoe"
    ),
)

# 29 names and 31 cities, coprime for the same reason.
ANCIENT_NAMES = (
    "Agathon Alexis Antenor Aristion Bion Chares Damon Deinias Diocles Dorion Eudemus Euphron Glaucon "
    "Hegesias Heron Iason Kallias Leon Lykon Menon Myron Nikias Philon Phaidra Sosias Theano Timon "
    "Xanthias Zenon"
)
ANCIENT_CITIES = (
    "Abdera Argos Athens Byzantium Chios Corinth Cyrene Delos Elea Ephesus Eretria Halicarnassus "
    "Knossos Kos Lampsacus Larissa Lindos Megara Messene Miletus Mytilene Naxos Paros Pergamon Priene "
    "Rhodes Samos Smyrna Syracuse Tarentum Thebes"
)

# None begins with a vowel, so that "A" fits before each adjective.
ENGLISH_ADJECTIVES = (
    "Bitter Blue Borrowed Bright Broken Buried Burning Cold Crooked Crowded Dark Distant Divided "
    "Fading First Forgotten Fragile Golden Green Hidden Hollow Last Late Little Long Lost Lucky "
    "Mortal Narrow Northern Painted Patient Private Quiet Restless Scarlet Secret Second Shining "
    "Silent Silver Sleeping Slow Southern Stolen Strange Sunken Tender Thirsty Vanishing Wandering "
    "Weathered White Wild Winding Winter Wooden Yellow"
)
ENGLISH_NOUNS = (
    "Almanac Apprentice Archive Atlas Bakery Beekeeper Bell Bird Bridge Cartographer Cathedral City "
    "Clockmaker Coast Compass Country Daughter Door Dream Echo Empire Fever Field Fire Forest Garden "
    "Gardener Ghost Glacier Guest Harbour House Hunter Inheritance Island Journey Kingdom Kitchen "
    "Lake Language Letter Library Lighthouse Machine Map Market Memory Mirror Mountain Museum Orchard "
    "Painter Passage Physician Pilgrim Promise Question River Road Room Sea Season Shadow Ship Sister "
    "Song Stranger Summer Tower Train Translator Traveller Valley Village Violin Voyage Wall Weather "
    "Wedding Window"
)

# By language: what a title begins with, what may follow it, how two are joined, and subtitles.
TITLE_HEADS = {
    "de": (
        "Der Garten|Die Brücke|Das Haus|Der Fluss|Die Insel|Das Meer|Der Winter|Die Reise|Das Lied|"
        "Der Turm|Die Stadt|Das Fenster|Der Gast|Die Tochter|Das Dorf|Der Spiegel|Die Uhr|"
        "Das Schweigen|Der Brief|Die Bibliothek|Das Licht|Der Wald|Die Schwester|Das Feuer|Ein Sommer|"
        "Eine Frau|Ein Traum|Eine Nacht|Die Stille|Die Heimkehr|Der Schatten|Der Abschied"
    ),
    "fr": (
        "Le Jardin|La Maison|L'Île|Le Fleuve|La Mer|L'Hiver|Le Voyage|La Chanson|L'Horloge|Le Pont|"
        "La Ville|L'Invité|Le Miroir|La Lettre|L'Ombre|Le Silence|La Bibliothèque|L'Été|Le Feu|"
        "La Forêt|L'Atelier|Le Passeur|La Sœur|L'Étoile|Un été|Une femme|Un rêve|Une nuit|Les Oiseaux|"
        "Les Fenêtres|Les Routes|Retours"
    ),
    "es": (
        "El jardín|La casa|La isla|El río|El mar|El invierno|El viaje|La canción|El reloj|El puente|"
        "La ciudad|El huésped|El espejo|La carta|La sombra|El silencio|La biblioteca|El verano|"
        "El fuego|El bosque|El taller|La hermana|La estrella|La memoria|Un verano|Una mujer|Un sueño|"
        "Una noche|Los pájaros|Las ventanas|Los caminos|Cenizas"
    ),
    "it": (
        "Il giardino|La casa|L'isola|Il fiume|Il mare|L'inverno|Il viaggio|La canzone|L'orologio|"
        "Il ponte|La città|L'ospite|Lo specchio|La lettera|L'ombra|Il silenzio|La biblioteca|L'estate|"
        "Il fuoco|Il bosco|La bottega|La sorella|La stella|La memoria|Un'estate|Una donna|Un sogno|"
        "Una notte|Gli uccelli|Le finestre|Le strade|Ritorni"
    ),
    "pt": (
        "O jardim|A casa|A ilha|O rio|O mar|O inverno|A viagem|A canção|O relógio|A ponte|A cidade|"
        "O hóspede|O espelho|A carta|A sombra|O silêncio|A biblioteca|O verão|O fogo|A floresta|"
        "A oficina|A irmã|A estrela|A memória|Um verão|Uma mulher|Um sonho|Uma noite|Os pássaros|"
        "As janelas|Os caminhos|Cinzas"
    ),
    "nl": (
        "De tuin|Het huis|Het eiland|De rivier|De zee|De winter|De reis|Het lied|De klok|De brug|"
        "De stad|De gast|De spiegel|De brief|De schaduw|De stilte|De bibliotheek|De zomer|Het vuur|"
        "Het bos|De werkplaats|De zuster|De ster|Het geheugen|Een zomer|Een vrouw|Een droom|Een nacht|"
        "De vogels|De ramen|De wegen|Thuiskomst"
    ),
    "ru": (
        "Сад|Дом|Остров|Река|Море|Зима|Путешествие|Песня|Часы|Мост|Город|Гость|Зеркало|Письмо|Тень|"
        "Тишина|Библиотека|Лето|Огонь|Лес|Мастерская|Сестра|Звезда|Память|Дорога|Женщина|Сон|Ночь|"
        "Птицы|Окна|Дороги|Возвращение"
    ),
}
TITLE_TAILS = {
    "en": (
        "of Winter|of Glass|of Salt|of Ashes|of the North|of the South|of Small Things|of Lost Hours|"
        "in the Rain|in the Mirror|in Translation|by the Sea|by the River|Beyond the Hills|"
        "Beneath the Ice|at the Border|at Midnight|for Beginners|Without a Name|Without Maps|"
        "Before the War|After the Flood|and Other Stories|on the Hill|on Harbour Street|"
        "Under the Lindens|from Lisbon|from Nowhere|to Samarkand|Revisited"
    ),
    "de": (
        "im Regen|am Meer|ohne Namen|der Schatten|hinter den Bergen|im Nebel|vor dem Krieg|"
        "nach der Flut|an der Grenze|um Mitternacht|ohne Wiederkehr|aus Glas|im Norden|"
        "unter den Linden|für Anfänger|der Väter|in der Ferne|am Ende der Straße|bei Nacht|"
        "und andere Erzählungen"
    ),
    "fr": (
        "sous la pluie|de la mer|sans nom|des ombres|derrière les collines|dans la brume|"
        "d'avant la guerre|après l'orage|à la frontière|de minuit|sans retour|de verre|du Nord|"
        "sous les tilleuls|pour débutants|de nos pères|au loin|du bout de la rue|dans la nuit|"
        "et autres nouvelles"
    ),
    "es": (
        "bajo la lluvia|del mar|sin nombre|de las sombras|tras las colinas|en la niebla|"
        "antes de la guerra|después de la tormenta|en la frontera|de medianoche|sin regreso|"
        "de cristal|del norte|bajo los tilos|para principiantes|de nuestros padres|a lo lejos|"
        "al final de la calle|en la noche|y otros cuentos"
    ),
    "it": (
        "sotto la pioggia|del mare|senza nome|delle ombre|dietro le colline|nella nebbia|"
        "prima della guerra|dopo la tempesta|al confine|di mezzanotte|senza ritorno|di vetro|del nord|"
        "sotto i tigli|per principianti|dei padri|in lontananza|in fondo alla strada|nella notte|"
        "e altri racconti"
    ),
    "pt": (
        "na chuva|do mar|sem nome|das sombras|atrás das colinas|no nevoeiro|antes da guerra|"
        "depois da tempestade|na fronteira|da meia-noite|sem regresso|de vidro|do norte|sob as tílias|"
        "para iniciantes|dos nossos pais|ao longe|no fim da rua|na noite|e outros contos"
    ),
    "nl": (
        "in de regen|aan zee|zonder naam|van de schaduwen|achter de heuvels|in de mist|voor de oorlog|"
        "na de storm|aan de grens|om middernacht|zonder terugkeer|van glas|in het noorden|"
        "onder de linden|voor beginners|van onze vaders|in de verte|aan het einde van de straat|"
        "bij nacht|en andere verhalen"
    ),
    "ru": (
        "под дождём|у моря|без имени|и тени|за холмами|в тумане|перед войной|после бури|на границе|"
        "в полночь|без возврата|из стекла|на севере|под липами|для начинающих|наших отцов|вдали|"
        "в конце улицы|в ночи|и другие рассказы"
    ),
}
CONJUNCTIONS = {"en": "and", "de": "und", "fr": "et", "es": "y", "it": "e", "pt": "e", "nl": "en", "ru": "и"}
SUBTITLES = {
    "en": (
        "A Beginning|A Companion|A Reader|A Short Introduction|An Inquiry|Collected Pieces|"
        "In Search of a Place|In Two Parts|Notes and Sketches|Second Edition|Selected Writings|"
        "The Complete Edition|Twelve Lessons|Volume One|Volume Two|With a New Preface"
    ),
    "de": (
        "Ein Lesebuch|Eine Einführung|Erster Band|Zweiter Band|In zwei Teilen|Neue Ausgabe|Skizzen|Versuche"
    ),
    "fr": (
        "Carnets|Édition revue|En deux parties|Essais|Tome premier|Tome second|Une enquête|Une introduction"
    ),
    "es": (
        "Antología|Apuntes|En dos partes|Ensayos|Nueva edición|Tomo primero|Tomo segundo|Una introducción"
    ),
    "it": ("Appunti|Antologia|In due parti|Nuova edizione|Saggi|Volume primo|Volume secondo|Un'introduzione"),
    "pt": (
        "Antologia|Apontamentos|Em duas partes|Ensaios|Nova edição|Primeiro volume|Segundo volume|"
        "Uma introdução"
    ),
    "nl": ("Bloemlezing|Deel een|Deel twee|Een inleiding|In twee delen|Nieuwe uitgave|Opstellen|Schetsen"),
    "ru": ("В двух частях|Введение|Записки|Избранное|Новое издание|Очерки|Том второй|Том первый"),
}

OPENINGS = (
    "A close look at|A generous account of|A lively book about|A patient study of|A personal view of|"
    "A sharp and funny book about|A surprising tour of|An argument about|An elegy for|"
    "An unsentimental portrait of|Everything worth knowing about|Twenty years of work on"
)
THEMES = (
    "a family divided by money|a town that is losing its river|bread and those who bake it|"
    "childhood in a harbour city|courage in small matters|cures that did not work|"
    "distant stars and near neighbours|exile and return|forests, felled and planted|"
    "friendship after fifty|games people play at work|gardens in hard climates|grief and its weather|"
    "how cities feed themselves|ice, snow and silence|justice in ordinary courts|"
    "languages on the edge of silence|letters that came too late|love across a border|"
    "machines that almost think|maps and the lies they tell|migrating birds|"
    "money and what it cannot buy|music heard through a wall|night trains|numbers and their uses|"
    "old age without fear|painters of the second rank|power and how it is lost|roads built by empires|"
    "salt, spice and trade|sisters who do not speak|sleep and sleeplessness|teachers and their pupils|"
    "the art of repair|the first year of a war|the invention of privacy|the price of a good name|"
    "the sea as a workplace|weather in the age of coal"
)
TURNS = (
    "A chapter is given to|Along the way it turns to|Half of it is about|It begins with|It ends with|"
    "Its best pages are about|Its real subject is|There is much here on"
)
PRAISES = (
    "It can be read in a weekend and thought about for years.|Maps, notes and an index are included.|"
    "Nothing is taken for granted.|Readers new to the subject will find a clear way in.|"
    "The author knows the archives as few others do.|The last chapter changes all that came before.|"
    "The new edition has been corrected throughout.|The pictures alone repay the price.|"
    "This is the book that made the author's name.|With exercises at the end of each chapter.|"
    "Written for the curious, not for the specialist.|Winner of a prize given by booksellers."
)

# A root, its subjects, the branches of each of its subjects, and the twigs of each of those.
CATEGORIES = (
    (
        "Fiction",
        "Crime|Literary fiction|Fantasy|Historical fiction|Science fiction|Romance",
        "Europe|North America|Asia|Africa|At sea",
        "Novels|Stories|Series",
    ),
    (
        "Non-fiction",
        "Biography|Essays|True crime|Food and drink|Home and garden|Hobbies",
        "Modern lives|Families|Cities|Countryside|Curiosities",
        "Introductions|Handbooks|Collections",
    ),
    (
        "Children's books",
        "Adventure|Animals|School|Magic|Fairy tales|Facts and figures",
        "Age 9 to 12|Age 6 to 8|Age 3 to 5|Age 0 to 2|Reading aloud",
        "Picture books|Chapter books|Activity books",
    ),
    (
        "History",
        "Modern history|Ancient history|Middle Ages|Early modern|World wars|Local history",
        "Europe|Asia|The Americas|Africa|Oceania",
        "Narratives|Sources|Atlases",
    ),
    (
        "Science",
        "Biology|Physics|Mathematics|Earth and climate|Chemistry|Astronomy",
        "Foundations|Methods|Discoveries|Controversies|Scientists",
        "For everyone|Textbooks|Reference",
    ),
    (
        "Society",
        "Politics|Economics|Law|Education|Media|Sociology",
        "Ideas|Institutions|Movements|Case studies|Statistics",
        "Introductions|Debates|Reports",
    ),
    (
        "Computing",
        "Programming|Data|Networks|Security|Hardware|Design",
        "Basics|Practice|Theory|Careers|History of computing",
        "Guides|Cookbooks|Reference",
    ),
    (
        "Art and music",
        "Painting|Music|Film|Photography|Architecture|Theatre",
        "Twentieth century|Nineteenth century|Renaissance|Techniques|Contemporary",
        "Monographs|Catalogues|Surveys",
    ),
    (
        "Travel",
        "Europe|Asia|North America|Africa|South America|Polar regions",
        "Cities|Walking|Food and wine|Coasts and islands|By rail",
        "Guides|Narratives|Maps",
    ),
    (
        "Philosophy",
        "Ethics|Modern philosophy|Ancient philosophy|Logic|Aesthetics|Mind",
        "Classics|Schools|Problems|Dialogues|Commentaries",
        "Introductions|Editions|Essays",
    ),
    (
        "Religion",
        "Christianity|Buddhism|Islam|Judaism|Hinduism|Comparative religion",
        "Scripture|Practice|Lives|Thought|Communities",
        "Introductions|Devotional|Scholarly",
    ),
    (
        "Poetry and drama",
        "Poetry|Drama|Anthologies|Translations|Criticism|Performance",
        "Contemporary|Twentieth century|Romantic|Early|Oral tradition",
        "Single authors|Selections|Bilingual",
    ),
)
