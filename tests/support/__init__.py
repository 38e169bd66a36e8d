"""What tests share: servers, fakes, builders and programs that are run beside them."""
