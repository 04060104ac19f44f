"""Mutations: the Mutation type, its inputs and its payloads."""
