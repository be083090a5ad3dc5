"""The functions that programs written for Chainer call, and those that today's users expect: each must be there."""

import pytest

import chainette_functions as F

CHAINER_1_7 = """
clipped_relu elu leaky_relu log_softmax lstm maxout prelu relu sigmoid slstm softmax softplus tanh
broadcast broadcast_to concat copy expand_dims reshape select_item split_axis swapaxes transpose where
bilinear convolution_2d deconvolution_2d embed_id linear
accuracy binary_accuracy
bernoulli_nll connectionist_temporal_classification contrastive cross_covariance gaussian_kl_divergence gaussian_nll
hinge mean_squared_error negative_sampling sigmoid_cross_entropy softmax_cross_entropy
batch_det batch_inv batch_l2_norm_squared batch_matmul cos det exp identity inv log matmul max min sin sum
dropout gaussian
batch_normalization fixed_batch_normalization local_response_normalization
average_pooling_2d max_pooling_2d spatial_pyramid_pooling_2d unpooling_2d
"""

LATER = """
mean average sqrt square argmax argmin absolute resize_images squeeze mean_absolute_error absolute_error squared_error
clip normalize maximum minimum stack flatten upsampling_2d get_item pad huber_loss roi_pooling_2d separate tile scale
bias add logsumexp hard_sigmoid rsqrt pad_sequence transpose_sequence hstack vstack dstack convolution_nd
deconvolution_nd rollaxis moveaxis depth2space space2depth max_pooling_nd average_pooling_nd scatter_add n_step_lstm
n_step_bilstm n_step_gru n_step_bigru n_step_rnn n_step_birnn dilated_convolution_2d depthwise_convolution_2d
layer_normalization group_normalization selu swish cast repeat flip forget im2col
rrelu zoneout gumbel_softmax simplified_dropconnect
"""

BEYOND_CHAINER = """
gelu silu mish softmin one_hot cosine_similarity nll_loss smooth_l1_loss scaled_dot_product_attention checkpoint
"""

NAMES = (CHAINER_1_7 + LATER + BEYOND_CHAINER).split()


@pytest.mark.parametrize("name", NAMES)
def test_the_function_is_there(name):
    assert name in F.__all__
    assert callable(getattr(F, name))


def test_the_list_is_whole():
    assert len(CHAINER_1_7.split()) == 66
    assert len(NAMES) == len(set(NAMES)) == 66 + 66 + 10
