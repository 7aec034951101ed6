/* config_file.h: config.json of a checkpoint. Private to model. */
#ifndef ESPALIER_MODEL_CONFIG_FILE_H
#define ESPALIER_MODEL_CONFIG_FILE_H

#include "model/encoder.h"

/* Read and check path. K and the labels are set from num_labels and id2label (2 classes where the
 * file says nothing, as the format's own default); mlm is left 0: the weights decide. */
err config_read(const char *path, encoder_config *c);

/* Write c to path, atomic; same config, same bytes. */
err config_write(const char *path, const encoder_config *c);

#endif
