class DatasetMixin: pass
