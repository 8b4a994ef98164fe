// Rows of a buffer that lie apart come together, or the other way round. A thread has one value.
extern "C" __global__ void __launch_bounds__(256) copy_rows(
    const float* __restrict__ from,
    unsigned long long from_stride,
    float* __restrict__ to,
    unsigned long long to_stride,
    unsigned width,
    unsigned rows
) {
    const unsigned long long at = (unsigned long long)blockIdx.x * blockDim.x + threadIdx.x;
    const unsigned long long row = at / width, column = at % width;
    if (row < rows) to[row * to_stride + column] = from[row * from_stride + column];
}
