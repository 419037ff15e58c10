// Products of matrices that lie column by column, in an order of sums of their own.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cublaslt_on_host {

struct Matrix {
  char* data;
  int type;  // cudaDataType
  std::int64_t rows, columns, leading, batch_stride;
};

struct Product {
  Matrix a, b, d;
  std::int64_t num_batches;
  bool transposed_a, transposed_b, tf32;
  const char* bias;  // one element to each row of d; null: none
  int order;         // 0: from the last to the first; 1: even ones, then odd ones; 2: in four lanes
  char* workspace;   // is overwritten
  std::size_t workspace_bytes;
};

std::size_t size_bytes(int type);
void multiply(const Product& product);

}  // namespace cublaslt_on_host
