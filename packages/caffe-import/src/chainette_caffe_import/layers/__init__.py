"""The layers of Caffe, found by their types through the plugin's hook."""
