"""The data set ``folder``: lists, label lists, and a sentence for each mistake."""

import json

import pytest

from avplug.builtin_datasets.folder.dataset import Folder
from avplug.core.errors import DatasetError

GOOD = "file,label\na.mp4,dog\nb.mp4,cat\n"


def folder(tmp_path, text=GOOD, classes=None, **options):
    (tmp_path / "clips.csv").write_text(text, encoding="utf-8")
    if classes is not None:
        (tmp_path / "classes.csv").write_text(classes, encoding="utf-8")
        options["classes"] = "classes.csv"
    return Folder(root=tmp_path, **options)


def labels(dataset):
    return [tuple(dataset.labels[i] for i in ref.labels) for ref in dataset.clips]


def test_one_label_each(tmp_path):
    dataset = folder(tmp_path)
    assert not dataset.multi_label
    assert labels(dataset) == [("dog",), ("cat",)]


def test_spaces_blank_lines_a_mark_and_other_columns(tmp_path):
    text = "\ufeffFile, Label ,note\n\n a.mp4 , dog;cat ;dog,mine\n,,\nb.mp4,cat\n"
    assert labels(folder(tmp_path, text)) == [("dog", "cat"), ("cat",)]


@pytest.mark.parametrize(
    "classes",
    [
        "cat\ndog\nSpeech, loud\n",
        'index,mid,display_name\n0,/m/c,cat\n1,/m/d,dog\n2,/m/s,"Speech, loud"\n',
        'index,display_name\n0,cat\n1,dog\n2,"Speech, loud"\n',
    ],
)
def test_a_label_list_orders_the_classes(tmp_path, classes):
    dataset = folder(tmp_path, classes=classes)
    assert dataset.labels == ("cat", "dog", "Speech, loud")
    assert labels(dataset) == [("dog",), ("cat",)]


def test_machine_ids_and_names_mean_the_same_class(tmp_path):
    table = "index,mid,display_name\n0,/m/d,dog\n1,/m/c,cat\n"
    dataset = folder(tmp_path, "file,label\na.mp4,/m/d\nb.mp4,dog\n", table)
    assert [ref.labels for ref in dataset.clips] == [(0,), (0,)]


def test_machine_ids_alone_are_the_names(tmp_path):
    dataset = folder(tmp_path, classes="index,mid\n0,dog\n1,cat\n")
    assert dataset.labels == ("dog", "cat")


def test_a_column_split_divides_the_clips_but_not_the_classes(tmp_path):
    text = "file,label,split\na.mp4,dog,train\nb.mp4,cat,test\nc.mp4,owl,\n"
    for split, ids in (("train", ["a.mp4", "c.mp4"]), ("test", ["b.mp4", "c.mp4"])):
        dataset = folder(tmp_path, text, split=split)
        assert [ref.id for ref in dataset.clips] == ids
        assert dataset.labels == ("cat", "dog", "owl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"clips\.csv' has no column 'file': its first line is ''"),
        ("file;label\na;b\n", "has no column 'file': its first line is 'file;label'"),
        ("file,lable\na,b\n", "has no column 'label': its first line is 'file,lable'"),
        ("file,label,file\na,b,c\n", "has the column 'file' twice"),
        ("file,label\n", "lists no clip"),
        ("file,label\n,dog\n", r"clips\.csv, line 2: no file"),
        ("file,label\na.mp4, | ;\n", r"line 2: no label for 'a\.mp4'"),
        ("file,label\na.mp4,Speech, loud\n", "line 2: 3 cells, but 2 columns"),
        ('file,label\n"a.mp4,dog\n', "Cannot read '.*clips.csv' as csv"),
        (
            "file,label\na.mp4,dog\nb.mp4,dog\na.mp4,cat\n",
            r"line 4: the id 'a\.mp4' is that of .*clips\.csv, line 2 too",
        ),
        ("file,label\na.jpg,dog\n", r"line 2: 'a\.jpg' is a picture and has no sound"),
        (
            "file,label,wav,start\na.jpg,dog,a.wav,1\n",
            "line 2: a picture has neither start nor end",
        ),
        ("file,label,start\na.mp4,dog,1:30\n", "line 2: start is '1:30', not a time"),
        ("file,label,end\na.mp4,dog,-1\n", "line 2: end is '-1', not a time"),
        ("file,label,end\na.mp4,dog,nan\n", "line 2: end is 'nan', not a time"),
        ("file,label,start,end\na.mp4,dog,2,2\n", "line 2: end 2 is not after start"),
        (
            "file,label,split\na.mp4,dog,tset\n",
            r"lists no clip of split 'test'\. Did you mean 'tset'\? Splits: tset\.",
        ),
    ],
)
def test_mistakes_in_the_csv(tmp_path, text, message):
    with pytest.raises(DatasetError, match=message):
        folder(tmp_path, text)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("cat\ndgo\n", r"clips\.csv, line 2: label 'dog' is not in the label list"),
        ("cat\ndogs\n", r"'.*classes\.csv'\. Did you mean 'dogs'\?"),
        ("", "The label list '.*' is empty"),
        ("index,mid\n", "The label list '.*' is empty"),
        ("cat\ndog\ncat\n", "has 'cat' twice"),
        ("index,name\n0,cat\n", "has neither a column mid nor display_name"),
        ("index,mid\n0,cat\n2,dog\n", "has index 2 where 1 is due"),
        ("index,mid,display_name\n0,cat,\n", "lacks a cell in class 0"),
        ("index,mid\n0\n", "lacks a cell in class 0"),
        ('cat\n"dog\n', "Cannot read the label list"),
    ],
)
def test_mistakes_in_the_label_list(tmp_path, classes, message):
    with pytest.raises(DatasetError, match=message):
        folder(tmp_path, classes=classes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Cannot read '.*' as json"),
        ("[]", "is no list of clips"),
        ('{"data": 3}', "is no list of clips"),
        ('{"data": []}', "lists no clip"),
        ('{"data": [3]}', "entry 1: not an object"),
        (
            json.dumps({"data": [{"video_id": "a", "wav": "b", "video_path": "c"}]}),
            "entry 1: 'labels' is missing or no text",
        ),
        (
            json.dumps(
                {
                    "data": [
                        {"video_id": "a", "wav": "b", "video_path": "c", "labels": ","}
                    ]
                }
            ),
            "entry 1: no label for 'a'",
        ),
    ],
)
def test_mistakes_in_the_json(tmp_path, content, message):
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match=message):
        Folder(root=path)


def test_no_root():
    with pytest.raises(DatasetError, match="read from a folder"):
        Folder()


def test_missing_root(tmp_path):
    with pytest.raises(DatasetError, match=r"no folder or list of clips '.*/gone'"):
        Folder(root=tmp_path / "gone")


def test_missing_csv(tmp_path):
    with pytest.raises(DatasetError, match=r"no list of clips '.*/clips\.csv'\. It is"):
        Folder(root=tmp_path)


def test_missing_label_list(tmp_path):
    (tmp_path / "clips.csv").write_text(GOOD)
    with pytest.raises(DatasetError, match=r"no label list '.*gone\.csv'"):
        Folder(root=tmp_path, classes="gone.csv")


def test_missing_media_folder(tmp_path):
    with pytest.raises(DatasetError, match="no folder of media"):
        folder(tmp_path, media=tmp_path / "gone")


def test_a_picture_instead_of_a_list(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DatasetError, match=r"Cannot read '.*' as csv"):
        Folder(root=path)
