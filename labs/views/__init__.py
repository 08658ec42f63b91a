"""Pages of the laboratory room: visits, results, disease assessment, laboratories."""
