"""The screens of the factory (Textual). They read the store and never reach the engine."""
